"""The wire, case by case: the same suite for three transports and two servers."""
