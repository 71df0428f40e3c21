// A data set of Analytics Engine: Miniflare's own forgets every point. Each point is a line of the
// log, because writing one does not wait for anything. With FAILS every write throws.

export default function make({ FAILS }) {
  return {
    writeDataPoint(point) {
      console.log(`analytics: ${JSON.stringify(point)}`);
      if (FAILS) throw new Error("the data set is closed");
    },
  };
}
