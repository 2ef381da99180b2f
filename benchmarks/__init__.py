"""What is measured: the product beside its peers, in the same run on the same machine."""
