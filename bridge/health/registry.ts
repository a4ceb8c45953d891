/** The figures of the catalogue as prom-client keeps and prints them; nobody else knows of it. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { COUNTERS, type CounterName, GAUGES, type GaugeName, HISTOGRAMS, type HistogramName } from './catalogue.ts';

export type Labels = Readonly<Record<string, string>>;

/** One value of a gauge, or what another process has counted. */
export interface Figure {
  readonly name: GaugeName | CounterName;
  readonly labels?: Labels;
  readonly value: number;
}

export interface Figures {
  count(name: CounterName, labels?: Labels): void;
  observe(name: HistogramName, seconds: number): void;
  /** Takes the place of all that the gauges said before, and of what these counters did. */
  set(figures: readonly Figure[]): void;
  /** The text, version 0.0.4 of the exposition format. */
  print(): Promise<{ readonly type: string; readonly text: string }>;
}

export function openFigures(): Figures {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const made = { registers: [registry] };
  const of = <N extends string, D, M>(all: Readonly<Record<N, D>>, make: (name: N, declared: D) => M) =>
    new Map((Object.entries(all) as [N, D][]).map(([name, declared]) => [name, make(name, declared)]));
  type Any = { readonly help: string; readonly labels?: readonly string[] };
  const labelled = ({ labels = [] }: Any) => ({ labelNames: [...labels] });
  const counters = of<CounterName, Any, Counter>(
    COUNTERS,
    (name, one) => new Counter({ ...made, name, help: one.help, ...labelled(one) }),
  );
  const gauges = of<GaugeName, Any, Gauge>(
    GAUGES,
    (name, one) => new Gauge({ ...made, name, help: one.help, ...labelled(one) }),
  );
  const histograms = of<HistogramName, Any & { readonly buckets: readonly number[] }, Histogram>(
    HISTOGRAMS,
    (name, { help, buckets }) => new Histogram({ ...made, name, help, buckets: [...buckets] }),
  );
  /** What nobody has seen says nothing, rather than 0. */
  const forget = (name: GaugeName, gauge: Gauge) => {
    gauge.reset();
    if (!('labels' in GAUGES[name])) gauge.remove();
  };
  for (const [name, gauge] of gauges) forget(name, gauge);
  return {
    count: (name, labels = {}) => counters.get(name)?.inc(labels),
    observe: (name, seconds) => histograms.get(name)?.observe(Math.max(0, seconds)),
    set: (figures) => {
      for (const [name, gauge] of gauges) forget(name, gauge);
      for (const { name } of figures) counters.get(name as CounterName)?.reset();
      for (const { name, labels = {}, value } of figures) {
        gauges.get(name as GaugeName)?.set(labels, value);
        counters.get(name as CounterName)?.inc(labels, value);
      }
    },
    print: async () => ({ type: registry.contentType, text: await registry.metrics() }),
  };
}
