"""Rules beside the model: lists, caps, velocity rules, and a control share; pure, so that a replay decides alike."""
