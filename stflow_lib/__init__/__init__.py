"""Urban flow with little data: three papers rebuilt, run and judged."""
