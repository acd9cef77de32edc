// flame: runs the script of a flame graph without a browser: flame.js FILE. It prints which frames a search finds and which a zoom
// shows, with their widths.
const fs = require("fs");

const text = fs.readFileSync(process.argv[2], "utf8");
const plain = (s) => s.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");

function element(attributes) {
	const listeners = {};
	return {
		attributes, style: {}, textContent: "",
		setAttribute(name, value) { this.attributes[name] = value; },
		addEventListener(type, f) { listeners[type] = f; },
		fire(type, event) { listeners[type](event); },
	};
}

const frames = [...text.matchAll(/<g class="f" data-x="(.*?)" data-w="(.*?)" data-d="(.*?)"><title>(.*?)<\/title>/g)].map((m) => {
	const g = element({}), parts = { title: element({}), rect: element({}), text: element({}) };
	parts.title.textContent = plain(m[4]);
	g.dataset = { x: m[1], w: m[2], d: m[3] };
	g.querySelector = (name) => parts[name];
	g.parts = parts;
	return g;
});
const byId = { "#search": element({}), "#reset": element({}), "#found": element({}) };
global.document = { documentElement: { querySelectorAll: () => frames, querySelector: (id) => byId[id] } };
global.window = element({});
window.prompt = () => "INNER_";
eval(text.slice(text.indexOf("<![CDATA[") + 9, text.lastIndexOf("]]>")));

const named = (name) => frames.find((g) => g.parts.title.textContent.startsWith(name + " ("));
const shown = () => frames.filter((g) => g.style.display !== "none").length;
console.log("all", shown() === frames.length);
byId["#search"].fire("click");
console.log("found", byId["#found"].textContent, frames.filter((g) => g.parts.rect.style.fill !== "").length);
named("inner_read").fire("click");
console.log("zoomed", Math.round(named("inner_read").parts.rect.attributes.width), named("inner_sleep").style.display,
	named("main").style.display, named("all").style.opacity);
window.fire("keydown", { key: "Escape" });
console.log("reset", shown() === frames.length, byId["#found"].textContent === "");
