"""UrbanSTC: three pretext tasks on coarse maps, then one network on top of their encoders."""
