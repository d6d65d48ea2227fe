"""The replay of shipped decisions in the order of their arrival, and their distance to the lake's features."""
