{% load static %}// Kept on the device: one page that says that the network is away, and what it is made of. Nothing else passes through here.
const CACHE = "offline-{{ version }}";
const FILES = [{% for file in files %}"{{ file|escapejs }}"{% if not forloop.last %}, {% endif %}{% endfor %}];

self.addEventListener("install", (event) => {
  // Without cookies: what is kept is for whoever uses this device next, too.
  const requests = FILES.map((file) => new Request(file, { credentials: "omit", cache: "reload" }));
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(requests)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const outdated = (name) => name.startsWith("offline-") && name !== CACHE;
  event.waitUntil((async () => {
    await Promise.all((await caches.keys()).filter(outdated).map((name) => caches.delete(name)));
    await self.registration.navigationPreload?.enable();
    await self.clients.claim();
  })());
});

/** The page as the network has it, or the one that says that there is no network. */
async function visited(event) {
  try {
    return (await event.preloadResponse) ?? (await fetch(event.request));
  } catch {
    return (await caches.match(FILES[0])) ?? Response.error();
  }
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.mode === "navigate" && request.method === "GET") {
    event.respondWith(visited(event));
  } else if (!navigator.onLine && FILES.some((file) => request.url === new URL(file, location.href).href)) {
    event.respondWith(caches.match(request, { ignoreVary: true }).then((kept) => kept ?? fetch(request)));
  }
});
