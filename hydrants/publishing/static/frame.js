// On every page: loud when the data is old, whose session it is, and tables that sort by a click on a heading.
"use strict";

window.FRAME = {
  number: (value) => String(value).replace(/\B(?=(\d{3})+$)/g, "."),
};

(() => {
  const HOUR_MS = 3_600_000;
  const day = (moment) => moment.toLocaleDateString("nl-BE", { day: "numeric", month: "long", year: "numeric" });

  // -- how old ---------------------------------------------------------------------------
  const notice = (text) => {
    const line = document.createElement("p");
    line.className = "notice";
    const wide = document.createElement("span");
    wide.className = "wide";
    wide.textContent = text;
    line.append(wide);
    document.getElementById("notices").append(line);
  };
  const state = window.BRANDKRANEN_STATE;
  if (/\/snapshots\/\d+\//.test(location.pathname)) {
    notice("Dit is een oude momentopname, niet de huidige stand.");
  } else if (state) {
    const confirmed = new Date(state.confirmed_at);
    const hours = (Date.now() - confirmed) / HOUR_MS;
    if (hours > state.stale_hours) {
      const age = hours < 48 ? `${Math.round(hours)} uur` : `${Math.floor(hours / 24)} dagen`;
      notice(`Let op: deze gegevens zijn al ${age} niet bijgewerkt, sinds ${day(confirmed)}. De werkelijke stand kan anders zijn.`);
    }
  } else {
    notice("Hoe recent deze gegevens zijn, is niet te zien: let op de datum hierboven.");
  }

  // -- whose session ---------------------------------------------------------------------
  if (state && state.account) {
    const box = document.getElementById("account");
    const link = document.createElement("a");
    link.href = "/account";
    link.textContent = "Mijn account";
    box.append(`Aangemeld als ${state.account.name}. `, link);
    box.hidden = false;
    for (const way of document.querySelectorAll("[data-zone]")) way.hidden = !state.account.zones.includes(way.dataset.zone);
  }

  // -- tables that sort ------------------------------------------------------------------
  let texts; // made at the first sort: it takes a phone longer than the rest of this file
  const valueOf = (cell) => {
    const exact = cell.querySelector("data, time");
    if (!exact) return cell.textContent.trim();
    return exact.tagName === "DATA" ? Number(exact.value) : exact.dateTime;
  };
  const order = (one, other) => {
    if (typeof one === "number" && typeof other === "number") return one - other;
    texts ??= new Intl.Collator("nl", { numeric: true });
    return texts.compare(one, other);
  };
  for (const table of document.querySelectorAll("table[data-sortable]")) {
    const headings = [...[...table.tHead.rows].at(-1).querySelectorAll("th")];
    for (const heading of headings) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => {
        const isDown = heading.getAttribute("aria-sort") === "ascending";
        for (const each of headings) each.removeAttribute("aria-sort");
        heading.setAttribute("aria-sort", isDown ? "descending" : "ascending");
        const rows = [...table.tBodies[0].rows];
        rows.sort((one, other) => order(valueOf(one.cells[heading.cellIndex]), valueOf(other.cells[heading.cellIndex])));
        table.tBodies[0].append(...(isDown ? rows.reverse() : rows));
      });
    }
  }
})();
