(function () {
'use strict';
var body = document.body, data = body.dataset;
var from = +data.from, to = +data.to, n = +data.n, offset = +data.offset;
var all = function (what, where) { return Array.prototype.slice.call((where || document).querySelectorAll(what)); };
var plots = all('svg.plot'), placed = all('[data-x]').filter(function (e) { return e.parentNode.className.indexOf('axis') < 0; });
var axes = all('.axis'), fields = all('.field'), tip = document.querySelector('.tip'), now = document.querySelector('.now');
var first = document.querySelector('article[data-shift]') ? 'A: ' : '';
var view = { from: from, to: to }, cursor = null, digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

plots.forEach(function (svg) { svg.tall = svg.viewBox.baseVal.height; });

// Two characters for each bucket; a pair and "(N)" is N times that pair; ".." is a hole.
function decode(text) {
	var out = [], part, re = /(..)(?:\((\d+)\))?/g;
	while ((part = re.exec(text)))
		for (var k = +(part[2] || 1); k > 0; k--)
			out.push(part[1] === '..' ? null : digits.indexOf(part[1][0]) * 64 + digits.indexOf(part[1][1]));
	return out;
}

function value(row, name, bucket) {
	var kept = 'pq' + name;
	if (!(name in row.dataset))
		return null;
	if (!row[kept])
		row[kept] = decode(row.dataset[name]);
	var q = row[kept][bucket];
	return q === null || q === undefined ? null : q / 4095 * +row.dataset.s;
}

function number(x, unit) {
	var units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'], i = 0;
	if (unit === 'bytes') {
		while (x >= 1024 && i < 4) { x /= 1024; i++; }
		return x.toFixed(i ? 1 : 0) + ' ' + units[i];
	}
	return (+x.toPrecision(3)) + (unit ? ' ' + unit : '');
}

function two(x) { return (x < 10 ? '0' : '') + x; }

function clock(t, fine) {
	var d = new Date(Math.round((t + offset) * 1000));
	return two(d.getUTCHours()) + ':' + two(d.getUTCMinutes()) + ':' + two(d.getUTCSeconds()) +
		(fine ? '.' + Math.floor(d.getUTCMilliseconds() / 100) : '');
}

function fine() { return view.to - view.from < 600; }

// Recordings that are compared may begin at the left at other times: theirs is so many seconds ahead.
function ahead(e) { return +(e.closest('article').dataset.shift || 0); }

function share(t) { return (t - view.from) / (view.to - view.from); }

function drawAxis(axis, width) {
	var steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 14400, 43200, 86400];
	var span = view.to - view.from, most = Math.max(2, Math.floor(width / 72)), step = span, local = offset + ahead(axis);
	for (var i = 0; i < steps.length; i++)
		if (span / steps[i] <= most) { step = steps[i]; break; }
	axis.textContent = '';
	for (var t = Math.ceil((view.from + local) / step) * step - local; t <= view.to - span * 28 / width; t += step) {
		var label = document.createElement('span');
		label.textContent = clock(t + ahead(axis), step < 1);
		label.style.left = 100 * share(t) + '%';
		label.style.visibility = 'visible';
		axis.appendChild(label);
	}
}

// All axes are equally wide. A width that is asked for after each change costs a layout each time.
function draw() {
	var width = axes.length && axes[0].clientWidth || 1;
	var x = (view.from - from) / (to - from) * n, w = (view.to - view.from) / (to - from) * n;
	plots.forEach(function (svg) { svg.setAttribute('viewBox', x + ' 0 ' + w + ' ' + svg.tall); });
	placed.forEach(function (e) {
		var t = from + +e.dataset.x * (to - from), end = t + +(e.dataset.w || 0) * (to - from);
		e.style.left = 100 * share(t) + '%';
		if (e.dataset.w)
			e.style.width = 100 * (share(end) - share(t)) + '%';
	});
	axes.forEach(function (axis) { drawAxis(axis, width); });
	drawCursor();
}

function drawCursor() {
	all('.cursor').forEach(function (e) { e.remove(); });
	if (cursor === null) {
		now.textContent = first + clock(view.from, fine()) + ' to ' + clock(view.to, fine());
		return;
	}
	now.textContent = first + clock(cursor, true);
	fields.forEach(function (f) {
		if (f.className.indexOf('axis') >= 0 || cursor < view.from || cursor > view.to)
			return;
		var line = document.createElement('div');
		line.className = 'cursor';
		line.style.left = 100 * share(cursor) + '%';
		f.appendChild(line);
	});
}

function show(a, b) {
	var least = Math.min(to - from, (to - from) / n * 4), span = Math.min(to - from, Math.max(least, b - a));
	var middle = (a + b) / 2, start = Math.min(Math.max(from, middle - span / 2), to - span);
	view = { from: start, to: start + span };
	draw();
}

function link() {
	var whole = view.from <= from && view.to >= to;
	var text = cursor !== null ? 't=' + cursor.toFixed(1) : whole ? '' : 't=' + view.from.toFixed(1) + ',' + view.to.toFixed(1);
	if (location.hash.slice(1) !== text)
		history.replaceState(null, '', '#' + text);
}

// #t=SECONDS is a moment, #t=SECONDS,SECONDS a part; a time of day of this page is one too.
function seconds(word) {
	var day = /^(\d+):(\d\d)(?::(\d\d(?:\.\d+)?))?$/.exec(word), t;
	if (!day)
		return +word;
	t = Math.floor((from + offset) / 86400) * 86400 - offset + +day[1] * 3600 + +day[2] * 60 + +(day[3] || 0);
	return t < from - 1 ? t + 86400 : t;
}

function follow() {
	var m = /^#t=([^,]+)(?:,(.+))?$/.exec(decodeURIComponent(location.hash));
	if (!m || isNaN(seconds(m[1])))
		return;
	cursor = m[2] ? null : seconds(m[1]);
	if (m[2] && !isNaN(seconds(m[2])))
		show(seconds(m[1]), seconds(m[2]));
	else
		draw();
}

function timeAt(field, x) {
	var box = field.getBoundingClientRect();
	return view.from + Math.min(1, Math.max(0, (x - box.left) / box.width)) * (view.to - view.from);
}

function addLine(text, hot) {
	var line = document.createElement('div');
	line.textContent = text;
	line.className = hot ? 'hot' : '';
	tip.appendChild(line);
}

function describe(row, bucket, hot) {
	var mean = value(row, 'm', bucket), max = value(row, 'x', bucket), unit = row.dataset.u;
	var text = row.textContent + ': ';
	if (mean === null)
		return addLine(text + 'not known', hot);
	text += number(mean, unit);
	if (max !== null && number(max, unit) !== number(mean, unit))
		text += ', at most ' + number(max, unit);
	addLine(text, hot);
}

function rowsOf(field) {
	var panel = field.parentNode.parentNode;
	var own = all('.row', field.parentNode);
	return own.length ? own : all('.legend .row', panel);
}

function hover(field, event) {
	var t = timeAt(field, event.clientX), bucket = Math.min(n - 1, Math.floor((t - from) / (to - from) * n));
	var rows = rowsOf(field), box = field.getBoundingClientRect(), lanes = field.parentNode.className.indexOf('chart ') >= 0;
	var at = Math.min(rows.length - 1, Math.floor((event.clientY - box.top) / box.height * rows.length));
	tip.textContent = '';
	var head = document.createElement('b');
	head.textContent = clock(t + ahead(field), true);
	tip.appendChild(head);
	rows.forEach(function (row, i) {
		if (!lanes || i === at || (rows.length <= 8 && value(row, 'm', bucket) > 0))
			describe(row, bucket, lanes && i === at);
	});
	tip.hidden = !rows.length;
	var w = tip.offsetWidth, h = tip.offsetHeight;
	tip.style.left = Math.max(4, Math.min(window.innerWidth - w - 4, event.clientX + 14)) + 'px';
	tip.style.top = Math.max(4, event.clientY + 16 + h > window.innerHeight ? event.clientY - h - 10 : event.clientY + 16) + 'px';
}

// A drag zooms; a click or a tap marks a moment, and the address is a link to it.
fields.forEach(function (field) {
	var start = null, brush = null;
	if (/axis|parts/.test(field.className))
		return;
	field.addEventListener('pointermove', function (event) {
		hover(field, event);
		if (start === null || event.pointerType === 'touch')
			return;
		var box = field.getBoundingClientRect(), a = Math.min(start, event.clientX), b = Math.max(start, event.clientX);
		if (!brush && b - a > 4) {
			brush = document.createElement('div');
			brush.className = 'brush';
			field.appendChild(brush);
			field.setPointerCapture(event.pointerId);
		}
		if (brush) {
			brush.style.left = a - box.left + 'px';
			brush.style.width = b - a + 'px';
		}
	});
	field.addEventListener('pointerdown', function (event) {
		if (event.button === 0) {
			start = event.clientX;
			event.preventDefault();
		}
	});
	field.addEventListener('pointerup', function (event) {
		if (start === null)
			return;
		if (brush) {
			brush.remove();
			cursor = null;
			show(timeAt(field, Math.min(start, event.clientX)), timeAt(field, Math.max(start, event.clientX)));
		} else {
			cursor = timeAt(field, event.clientX);
			hover(field, event);
			drawCursor();
		}
		start = brush = null;
		link();
	});
	field.addEventListener('pointerleave', function () { tip.hidden = true; });
	field.addEventListener('dblclick', function () { cursor = null; show(from, to); link(); });
});

function act(what) {
	var span = view.to - view.from, middle = cursor === null ? (view.from + view.to) / 2 : cursor;
	if (what === 'in') show(middle - span / 4, middle + span / 4);
	if (what === 'out') show(middle - span, middle + span);
	if (what === 'left') show(view.from - span / 4, view.to - span / 4);
	if (what === 'right') show(view.from + span / 4, view.to + span / 4);
	if (what === 'all') { cursor = null; show(from, to); }
	link();
}

all('.bar button').forEach(function (button) {
	button.addEventListener('click', function () { act(button.dataset.do); });
});
document.addEventListener('keydown', function (event) {
	var keys = { '+': 'in', '=': 'in', '-': 'out', ArrowLeft: 'left', ArrowRight: 'right', Escape: 'all' };
	if (keys[event.key] && !event.ctrlKey && !event.metaKey && !event.altKey) {
		event.preventDefault();
		act(keys[event.key]);
	}
});
window.addEventListener('hashchange', follow);
window.addEventListener('resize', draw);
// On paper, everything is shown.
window.addEventListener('beforeprint', function () {
	all('details').forEach(function (e) { e.wasOpen = e.open; e.open = true; });
});
window.addEventListener('afterprint', function () { all('details').forEach(function (e) { e.open = e.wasOpen; }); });
document.querySelector('.bar').hidden = false;
draw();
follow();
}());
