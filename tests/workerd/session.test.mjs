// Sessions and the answer table of the SSR Worker, in the real runtime (being written).
