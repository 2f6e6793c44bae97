"""One web page of a run: its charts, pictures and templates."""
