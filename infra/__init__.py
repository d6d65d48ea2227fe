"""Install the platform (`setup`), run all of it on one machine (`local`), start a Spark cluster (`cluster`)."""
