"use strict";

const EVERY_MS = 1000;
const ANSWER_MS_MAX = 5000;
const FAULTS = { none: "healthy", unhealthy: "unhealthy", slow: "slow", error: "500" };
const SERVICES = [
  { name: "web", at: "" },
  { name: "catalog", at: "/api/catalog" },
  { name: "checkout", at: "/api/checkout" },
];

const ask = async (path, method = "GET") => {
  const options = { method, cache: "no-store", signal: AbortSignal.timeout(ANSWER_MS_MAX) };
  const answer = await fetch(path, options);
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(body.error ?? `${path} answered ${answer.status}`);
  return body;
};

const money = (cents) => (cents / 100).toLocaleString("en", { style: "currency", currency: "EUR" });

// Every version has a colour of its own, so that a change is seen from across the room.
const hue = (version) => [...version].reduce((sum, c) => (sum * 31 + c.charCodeAt(0)) % 360, 7);

function makeCard(service) {
  const card = document.getElementById("card").content.cloneNode(true).firstElementChild;
  card.querySelector("h3").textContent = service.name;
  const group = card.querySelector(".switch");
  if (service.name === "web") {
    group.textContent = "A static site can't fall ill while it runs. To see it fail: set FAULT = \"error\" under "
      + "[services.web.build_variables] in shipway.toml, and deploy. The build then leaves out the file that the "
      + "check after promotion asks for.";
  } else {
    group.ariaLabel = `Switch of ${service.name}`;
    for (const [fault, label] of Object.entries(FAULTS)) group.append(makeButton(service, fault, label));
  }
  document.getElementById("services").append(card);
  return card;
}

function makeButton(service, fault, label) {
  const button = document.createElement("button");
  button.textContent = label;
  button.dataset.fault = fault;
  button.addEventListener("click", () => ask(`${service.at}/fault/${fault}`, "POST").catch(() => {}));
  return button;
}

async function showService(service, card) {
  let told;
  try {
    told = await ask(`${service.at}/version`);
  } catch (error) {
    card.classList.add("bad");
    card.querySelector(".version").textContent = "no answer";
    card.querySelector(".detail").textContent = error.message;
    return;
  }
  card.classList.toggle("bad", (told.fault ?? "none") !== "none");
  card.style.setProperty("--hue", hue(told.version));
  card.querySelector(".version").textContent = told.version;
  const release = told.release ? `release ${told.release.slice(0, 10)}` : "";
  card.querySelector(".detail").textContent = [release, told.instance].filter(Boolean).join(" · ") || "static";
  for (const button of card.querySelectorAll("button")) {
    button.ariaPressed = String(button.dataset.fault === told.fault);
  }
  if (service.name === "web") {
    document.getElementById("newer").hidden = told.version === document.body.dataset.pageVersion;
  }
}

function showItems(items) {
  const rows = items.map((item) => {
    const row = document.createElement("tr");
    row.insertCell().textContent = item.name;
    row.insertCell().textContent = money(item.cents);
    return row;
  });
  document.getElementById("items").replaceChildren(...rows);
}

async function showBasket() {
  const total = document.getElementById("total");
  const priced = document.getElementById("priced");
  try {
    const { items } = await ask("/api/catalog/items");
    showItems(items);
    const sum = await ask(`/api/checkout/total?items=${items.map((item) => item.id).join(",")}`);
    total.textContent = money(sum.cents);
    priced.textContent = `Added up by checkout ${sum.version}, at the prices of catalog ${sum.catalogVersion}.`;
  } catch (error) {
    total.textContent = "—";
    priced.textContent = error.message;
  }
}

// One after the other, so that slow answers don't pile up.
async function repeat(show) {
  for (;;) {
    await show();
    await new Promise((go) => setTimeout(go, EVERY_MS));
  }
}

for (const service of SERVICES) {
  const card = makeCard(service);
  repeat(() => showService(service, card));
}
repeat(showBasket);
