"""GPD: networks of new sensors drawn by a diffusion model."""
