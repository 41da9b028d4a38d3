"""Brings up what the portal stands on: its virtual environment, PostgreSQL, Valkey and the demo's processes.

Standard library only, and no import of Django or of any app: `run.py` is started by path with the system's Python
before the virtual environment exists.
"""
