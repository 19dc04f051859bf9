"""The sealed test rows: the only room that reads one."""
