"""Methods that no paper of this part has printed."""
