"""What the operations must satisfy, and how they are shown to and timed."""
