"""How a run is shown. Only these modules print, and they compute nothing a gate depends on."""
