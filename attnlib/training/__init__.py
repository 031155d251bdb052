"""Seeded training: one loop, its recipes, and what is measured."""
