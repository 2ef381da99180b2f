"""The load generator: a process of its own that follows channels as thousands of clients do."""
