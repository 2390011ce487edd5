"""A made-up Westhoek with a known truth, to try the whole way on and to measure it by.

`world` lays out the gemeenten, `streets` their streets and addresses, `placing` puts hydrants along
them, `registers` says what the companies know of them. `inspections` decides what happened in 2019.
`dirt` writes each visit down as a crew would, `extras` adds what no register knows, what nobody can
decide and what must be refused, `filing` sorts the rows into files, `wording` and `writers` write them.
`evidence` is the promise: what a careful person needs to resolve a row. `truth` is the key to it all.
"""

from hydrants.demo.build import DemoCounts, write

__all__ = ["DemoCounts", "write"]
