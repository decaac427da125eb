"""File formats, one file each: `read_x` and `write_x` between a file and our tables or arrays."""
