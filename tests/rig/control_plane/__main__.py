"""`python -m rig.control_plane`: build what is missing; the last line printed is the folder of the programs."""

import sys

from rig.control_plane.go import BuildError
from rig.control_plane.programs import MissingProgramError, ensure

try:
    print(ensure())
except (BuildError, MissingProgramError) as error:
    sys.exit(f"control plane: {error}")
except KeyboardInterrupt:
    sys.exit("control plane: interrupted; nothing half-built is left, and what was compiled is not compiled again")
