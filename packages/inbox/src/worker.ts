/** The SharedWorker: a stream for all tabs of a person. Its name says whose. */
import { Hub, type Port } from "./tabs/hub.ts";

interface SharedScope {
  readonly name: string;
  onconnect: ((event: MessageEvent) => void) | null;
}

const scope = globalThis as unknown as SharedScope;
const hub = new Hub(scope.name);
scope.onconnect = ({ ports }) => {
  for (const port of ports) hub.connect(port as unknown as Port);
};
