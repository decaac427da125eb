"""The item library: goods, threats, and the things that hide them. Every builder takes `Dice` and returns an `Item`."""
