"""A plain Django project: bare views, and background work as its users usually write it."""
