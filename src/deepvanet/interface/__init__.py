"""The public interface: what ``import deepvanet`` offers, each name in one module here.

Functions do what the commands of the same name do. Paths are text or ``Path``; settings
are keywords, an object of settings, or both; what a person can put right is raised as
``UserError``.
"""
