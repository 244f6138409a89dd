"""Widgets: one Python file of traits, one JavaScript module and one style sheet each; given plain values, never a client."""
