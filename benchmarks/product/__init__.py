"""The product as the benchmarks run it: the reference project, with jobs of the benchmarks' own."""
