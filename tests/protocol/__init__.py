"""What the documents say of the wire, held against what really goes over it."""
