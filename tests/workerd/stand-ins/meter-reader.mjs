// Returns what the first shard of Meter knows.

export default {
  fetch: (_, { METER }) => METER.get(METER.idFromName("meter-0")).fetch("https://meter/totals"),
};
