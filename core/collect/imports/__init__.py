"""Photos that are brought along: archives, folders and single files, and how they are sorted."""
