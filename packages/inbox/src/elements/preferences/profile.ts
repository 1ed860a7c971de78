import { setting } from "../../preferences/edits.ts";
import type { Choices, Me } from "../../preferences/types.ts";
import { h } from "../dom.ts";
import { type Option, Section } from "./section.ts";

/** Those that the browser knows; an old one does not say. */
const ZONES = Intl.supportedValuesOf?.("timeZone") ?? [];

/** The person's language and time zone. */
export class Profile extends Section {
  protected structure({ me }: Choices): unknown {
    return [me.locales, offers(me.locales, me.locale), ZONES.includes(me.time_zone) || me.time_zone];
  }

  protected build({ me }: Choices): Node[] {
    const { messages } = this.page;
    const locales: Option[] = me.locales.map(({ locale, name }) => [locale, name]);
    if (!offers(me.locales, me.locale)) locales.unshift([me.locale, me.locale || "–"]);
    return [
      this.title(messages.profile),
      h(
        "div",
        { class: "fields" },
        this.select(
          "locale",
          messages.locale,
          [["", locales]],
          (choices) => choices.me.locale,
          (value) => this.page.change(setting("locale", value)),
        ),
        this.select(
          "time_zone",
          messages.zone,
          zones(me.time_zone),
          (choices) => choices.me.time_zone,
          (value) => this.page.change(setting("time_zone", value)),
        ),
      ),
    ];
  }
}

function offers(locales: Me["locales"], own: string): boolean {
  return locales.some(({ locale }) => locale === own);
}

/** Return the browser's time zones by region, with UTC and the person's own. */
function zones(own: string): Map<string, Option[]> {
  const regions = new Map<string, Option[]>();
  for (const zone of [...new Set(["UTC", own, ...ZONES])].sort()) {
    const [region = "", ...place] = zone.split("/");
    const name = place.length ? region : "";
    const label = (place.join("/") || zone).replaceAll("_", " ");
    regions.set(name, [...(regions.get(name) ?? []), [zone, label]]);
  }
  return regions;
}
