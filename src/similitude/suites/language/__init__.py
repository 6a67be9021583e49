"""Small BERTs, really pretrained and fine-tuned on an English-like language whose meaning is known."""
