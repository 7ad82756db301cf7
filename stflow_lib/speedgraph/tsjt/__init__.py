"""TSJT: node prompts (NPM) before a backbone, a target-skewed step (TSB) behind it."""
