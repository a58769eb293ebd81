"""Claims over HTTP: who may send, what is answered, and what is sent back."""
