from scratch as base
from scratch as other
