"""STBaT: region types (RIAM) and a source error balanced over them (STBLM)."""
