"""What is asked: a city's tensors, protocol, task, and how answers are scored."""
