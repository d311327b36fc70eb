"""Ways to photos, each a module with ``draw(target)``, and what a person sees of their arrival."""
