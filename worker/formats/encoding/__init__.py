"""Bytes to text: which encoding they are in, from the bytes and what is declared."""
