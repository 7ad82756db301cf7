"""How anything is learned and measured."""
