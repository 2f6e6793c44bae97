"""Machines that trials are spread over: reached through Ray, claimed whole, told what to run as bytes."""
