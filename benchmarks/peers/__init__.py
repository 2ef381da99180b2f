"""The peers: small programs, each set up as its own documentation recommends."""
