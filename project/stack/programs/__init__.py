"""What stands behind each service when there are no containers."""
