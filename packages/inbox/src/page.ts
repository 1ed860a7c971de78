/** What happens to a page, and what is to be done then. */
export interface PageActions {
  /** The network is back, or the page is looked at again. */
  back(): void;
  offline(): void;
  /** The browser kept the page aside, where it heard nothing, and shows it again. */
  restored(): void;
}

/** Act on what happens to the page, until `signal` is aborted. */
export function actOnPage({ back, offline, restored }: PageActions, signal: AbortSignal): void {
  globalThis.addEventListener?.("online", back, { signal });
  globalThis.addEventListener?.("offline", offline, { signal });
  const looked = (): void => {
    if (document.visibilityState === "visible") back();
  };
  globalThis.document?.addEventListener("visibilitychange", looked, { signal });
  const shown = ({ persisted }: PageTransitionEvent): void => {
    if (persisted) restored();
  };
  globalThis.addEventListener?.("pageshow", shown, { signal });
}
