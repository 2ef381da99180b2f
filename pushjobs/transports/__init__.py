"""The transports: each translates between its wire and a subscription, and nothing more."""
