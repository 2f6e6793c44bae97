"""A plan written into a graph that a host can run: rounded to float16, or in native low-precision kernels."""
