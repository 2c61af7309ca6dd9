##! Takes the alerts and records of copperhull: alerts become notices, other records go to copperhull.log.
##!
##! Needs Zeek 8.0 or newer, for Cluster::listen_websocket on port 27759.
##!
##! This script was written from Zeek's documentation. It has not been run in a live Zeek 8, because none can be
##! installed where copperhull is built. It was parsed with the grammar of zeek-format, and its handlers were run in
##! Bro 2.5.3 with stand-ins for the Cluster functions, which that version does not have. Try it with
##! `zeek --parse-only` first.
##!
##! A Zeek that is not part of a cluster has no cluster backend by itself. Load
##! policy/frameworks/cluster/websocket/server before this script: it brings one.

@load base/frameworks/cluster
@load base/frameworks/notice

module TunnelAbuse;

export {
	redef enum Notice::Type += {
		## IRC port inside an IPv6 tunnel.
		Inner_IRC_Port,
		## Tunnel to a withdrawn or dead endpoint.
		Zombie_Relay_Endpoint,
		## Traffic to the deprecated 6to4 relay anycast address.
		Deprecated_6to4_Anycast,
		## Teredo with the prefix that was given back in 2006.
		Obsolete_Teredo_Prefix,
		## Tunnel endpoint that cannot be one.
		Bogon_Endpoint,
		## Teredo source address does not belong to its sender.
		Teredo_Source_Mismatch,
		## Teredo packet that was not meant for its receiver.
		Teredo_Stray_Packet,
		## Teredo port differs from the one inside the address.
		Teredo_Port_Mismatch,
		## 6to4 source address does not belong to its sender.
		SixToFour_Source_Spoof,
		## ISATAP source address does not belong to its sender.
		ISATAP_Source_Spoof,
		## IPv6 directly in UDP, without anything of Teredo.
		Raw_IPv6_In_UDP,
		## IPv6 without a Teredo address between the ports of a Teredo tunnel.
		Raw_IPv6_In_Teredo,
		## A tunnel inside a tunnel.
		Nested_Tunnel,
		## More nested tunnels or headers than are followed.
		Tunnel_Depth_Exceeded,
		## A host uses an IPv6 tunnel.
		Tunnel_In_Use,
		## Data in a Teredo authentication header.
		Teredo_Auth_Covert,
		## Teredo with a client identifier and an authentication value.
		Teredo_Secure_Qualification,
		## Teredo authentication on a packet that cannot have one.
		Teredo_Auth_Misplaced,
		## Octets behind a Teredo packet that no trailer explains.
		Teredo_Trailer_Covert,
		## Octets behind an IPv6 header that says nothing follows.
		Data_After_No_Next_Header,
		## Padding of an IPv6 header that is not zero.
		Padding_Data,
		## IPv6 option that no registry names.
		Unknown_IPv6_Option,
		## Reserved bits of an IPv6 extension header are set.
		Reserved_Bits_Set,
		## Octets behind the IPv6 packet in a protocol 41 tunnel.
		Data_Behind_Inner_Packet,
		## Source-routed IPv6 packet in a tunnel.
		Source_Route_In_Tunnel,
		## IPv6 option that runs past its header.
		Malformed_IPv6_Options,
		## Fragments that hide what they carry.
		Fragment_Evasion,
		## Fragments smaller than any link makes them.
		Tiny_Fragments,
		## Teredo headers in an order that the standard forbids.
		Teredo_Illegal_Headers,
		## Lengths in a Teredo packet that contradict one another.
		Tunnel_Length_Lie,
		## Teredo packet with headers that only an attacker has a use for.
		Teredo_Odd_Headers,
		## 6to4 through a relay that is not yours.
		SixToFour_Unknown_Relay,
		## 6to4 packet that a relay sends back into 6to4.
		SixToFour_Relay_Loop,
		## Packet from the 6to4 relay prefix that no relay returns.
		SixToFour_False_Relay,
		## 6to4 destination address does not belong to who gets the packet.
		SixToFour_Destination_Mismatch,
		## 6to4 packet with an address that must not be in one.
		SixToFour_Forbidden_Address,
		## ISATAP destination address does not belong to who gets the packet.
		ISATAP_Destination_Mismatch,
		## ISATAP router advertisement that is not its sender’s own.
		ISATAP_Rogue_Router,
		## ISATAP across the border of the site.
		ISATAP_Across_Perimeter,
		## ISATAP address that claims to be unique and is not.
		ISATAP_False_Unique,
		## 6rd source address does not belong to its sender.
		SixRD_Source_Spoof,
		## 6rd destination address does not belong to who gets the packet.
		SixRD_Destination_Mismatch,
		## A tunnel in a tunnel in a tunnel.
		Deeply_Nested_Tunnel,
		## Tunnel of a tunnel broker.
		Tunnel_Broker,
		## Teredo server that gives a prefix which is not its own.
		Teredo_Rogue_Prefix,
		## Teredo server that is not who it says.
		Teredo_Rogue_Server,
		## Teredo router advertisement that nobody asked for.
		Teredo_Unsolicited_Advertisement,
		## Router advertisement in Teredo with options that attack its receiver.
		Teredo_Exploit_Advertisement,
		## Teredo solicitation or advertisement that no stack would send.
		Teredo_Crafted_Qualification,
		## Teredo connectivity test through a server that is not the client’s.
		Teredo_Ping_Other_Server,
		## Origin indication from someone who is no server.
		Teredo_Forged_Origin,
		## Teredo address with the port of a service.
		Teredo_Service_Port,
		## Teredo address with flags that no standard defines.
		Teredo_Reserved_Flags,
		## Data through a Teredo server.
		Teredo_Service_Misuse,
		## Local discovery of Teredo that is not local, or not the sender’s own.
		Teredo_Peer_Capture,
		## copperhull could not deliver its alerts for a while.
		Delivery_Outage,
		## copperhull could not see the packets of an interface for a while.
		Capture_Outage,
		## A notice of a rule that this script does not know; `copperhull.note` has its name.
		Other,
	};
}

module CopperhullBridge;

export {
	redef enum Log::ID += { LOG };

	## Changes with the arguments of the events below.
	const interface_version: count = 1;

	## Where copperhull publishes. It is fixed in copperhull.
	const topic = "/copperhull/events";

	## Where it expects answers; the session is appended.
	const reply_topic = "/copperhull/replies/";

	## Whether this script opens the WebSocket server. Set it to F where the site opens one itself
	## with other options, for example with UseWebSocket in zeekctl.cfg. The same address, port and
	## options may be asked for twice.
	const listen = T &redef;

	## The server has no authentication: an address that others reach needs TLS with client certificates.
	const listen_addr = 127.0.0.1 &redef;
	const listen_port = 27759/tcp &redef;

	## Certificate, key and CA of the server. Set $enable_peer_verification=T and $ca_file to ask
	## clients for a certificate.
	const tls_options = Cluster::WebSocketTLSOptions() &redef;

	## An alert of copperhull. It travels as a vector in this order, so the order must not change
	## without interface_version.
	type Alert: record {
		## Seconds of the epoch.
		ts: double;
		## Notice type, as in TunnelAbuse::Inner_IRC_Port.
		note: string;
		msg: string;
		## informational, low, medium, high or critical.
		severity: string;
		sensor: string;
		## The whole line of copperhull's notice.log.
		json: string;
		sub: string &optional;
		## Findings that were merged into this alert.
		n: count &optional;
		uid: string &optional;
		orig_h: addr &optional;
		orig_p: port &optional;
		resp_h: addr &optional;
		resp_p: port &optional;
		proto: string &optional;
		alert_id: string &optional;
		rule_id: string &optional;
		rule_rev: count &optional;
		tunnel_kind: string &optional;
		tunnel_uid: string &optional;
		tunnel_path: string &optional;
		outer_orig_h: addr &optional;
		outer_orig_p: port &optional;
		outer_resp_h: addr &optional;
		outer_resp_p: port &optional;
	};

	## What is added to notice.log, in columns that begin with `copperhull.`.
	type Context: record {
		note: string &log &optional;
		alert_id: string &log &optional;
		rule_id: string &log &optional;
		rule_rev: count &log &optional;
		severity: string &log &optional;
		sensor: string &log &optional;
		tunnel_kind: string &log &optional;
		tunnel_uid: string &log &optional;
		tunnel_path: string &log &optional;
		outer_orig_h: addr &log &optional;
		outer_orig_p: port &log &optional;
		outer_resp_h: addr &log &optional;
		outer_resp_p: port &log &optional;
	};

	redef record Notice::Info += {
		copperhull: Context &log &optional;
	};

	## A line of copperhull.log.
	type Info: record {
		ts: time &log;
		## Log of copperhull that the record is of: tunnel, weird, reporter, stats,
		## capture_loss or teredo.
		log_name: string &log;
		## The record as copperhull writes it.
		json: string &log;
	};

	## Notice types by the name that a rule of copperhull gives. Add the types of rules of your own.
	const note_types: table[string] of Notice::Type = {
		["TunnelAbuse::Inner_IRC_Port"] = TunnelAbuse::Inner_IRC_Port,
		["TunnelAbuse::Zombie_Relay_Endpoint"] = TunnelAbuse::Zombie_Relay_Endpoint,
		["TunnelAbuse::Deprecated_6to4_Anycast"] =
		    TunnelAbuse::Deprecated_6to4_Anycast,
		["TunnelAbuse::Obsolete_Teredo_Prefix"] = TunnelAbuse::Obsolete_Teredo_Prefix,
		["TunnelAbuse::Bogon_Endpoint"] = TunnelAbuse::Bogon_Endpoint,
		["TunnelAbuse::Teredo_Source_Mismatch"] = TunnelAbuse::Teredo_Source_Mismatch,
		["TunnelAbuse::Teredo_Stray_Packet"] = TunnelAbuse::Teredo_Stray_Packet,
		["TunnelAbuse::Teredo_Port_Mismatch"] = TunnelAbuse::Teredo_Port_Mismatch,
		["TunnelAbuse::SixToFour_Source_Spoof"] = TunnelAbuse::SixToFour_Source_Spoof,
		["TunnelAbuse::ISATAP_Source_Spoof"] = TunnelAbuse::ISATAP_Source_Spoof,
		["TunnelAbuse::Raw_IPv6_In_UDP"] = TunnelAbuse::Raw_IPv6_In_UDP,
		["TunnelAbuse::Raw_IPv6_In_Teredo"] =
		    TunnelAbuse::Raw_IPv6_In_Teredo,
		["TunnelAbuse::Nested_Tunnel"] = TunnelAbuse::Nested_Tunnel,
		["TunnelAbuse::Tunnel_Depth_Exceeded"] = TunnelAbuse::Tunnel_Depth_Exceeded,
		["TunnelAbuse::Tunnel_In_Use"] = TunnelAbuse::Tunnel_In_Use,
		["TunnelAbuse::Teredo_Auth_Covert"] =
		    TunnelAbuse::Teredo_Auth_Covert,
		["TunnelAbuse::Teredo_Secure_Qualification"] =
		    TunnelAbuse::Teredo_Secure_Qualification,
		["TunnelAbuse::Teredo_Auth_Misplaced"] =
		    TunnelAbuse::Teredo_Auth_Misplaced,
		["TunnelAbuse::Teredo_Trailer_Covert"] =
		    TunnelAbuse::Teredo_Trailer_Covert,
		["TunnelAbuse::Data_After_No_Next_Header"] =
		    TunnelAbuse::Data_After_No_Next_Header,
		["TunnelAbuse::Padding_Data"] = TunnelAbuse::Padding_Data,
		["TunnelAbuse::Unknown_IPv6_Option"] =
		    TunnelAbuse::Unknown_IPv6_Option,
		["TunnelAbuse::Reserved_Bits_Set"] =
		    TunnelAbuse::Reserved_Bits_Set,
		["TunnelAbuse::Data_Behind_Inner_Packet"] =
		    TunnelAbuse::Data_Behind_Inner_Packet,
		["TunnelAbuse::Source_Route_In_Tunnel"] =
		    TunnelAbuse::Source_Route_In_Tunnel,
		["TunnelAbuse::Malformed_IPv6_Options"] =
		    TunnelAbuse::Malformed_IPv6_Options,
		["TunnelAbuse::Fragment_Evasion"] =
		    TunnelAbuse::Fragment_Evasion,
		["TunnelAbuse::Tiny_Fragments"] =
		    TunnelAbuse::Tiny_Fragments,
		["TunnelAbuse::Teredo_Illegal_Headers"] =
		    TunnelAbuse::Teredo_Illegal_Headers,
		["TunnelAbuse::Tunnel_Length_Lie"] =
		    TunnelAbuse::Tunnel_Length_Lie,
		["TunnelAbuse::Teredo_Odd_Headers"] =
		    TunnelAbuse::Teredo_Odd_Headers,
		["TunnelAbuse::SixToFour_Unknown_Relay"] =
		    TunnelAbuse::SixToFour_Unknown_Relay,
		["TunnelAbuse::SixToFour_Relay_Loop"] =
		    TunnelAbuse::SixToFour_Relay_Loop,
		["TunnelAbuse::SixToFour_False_Relay"] =
		    TunnelAbuse::SixToFour_False_Relay,
		["TunnelAbuse::SixToFour_Destination_Mismatch"] =
		    TunnelAbuse::SixToFour_Destination_Mismatch,
		["TunnelAbuse::SixToFour_Forbidden_Address"] =
		    TunnelAbuse::SixToFour_Forbidden_Address,
		["TunnelAbuse::ISATAP_Destination_Mismatch"] =
		    TunnelAbuse::ISATAP_Destination_Mismatch,
		["TunnelAbuse::ISATAP_Rogue_Router"] =
		    TunnelAbuse::ISATAP_Rogue_Router,
		["TunnelAbuse::ISATAP_Across_Perimeter"] =
		    TunnelAbuse::ISATAP_Across_Perimeter,
		["TunnelAbuse::ISATAP_False_Unique"] =
		    TunnelAbuse::ISATAP_False_Unique,
		["TunnelAbuse::SixRD_Source_Spoof"] =
		    TunnelAbuse::SixRD_Source_Spoof,
		["TunnelAbuse::SixRD_Destination_Mismatch"] =
		    TunnelAbuse::SixRD_Destination_Mismatch,
		["TunnelAbuse::Deeply_Nested_Tunnel"] =
		    TunnelAbuse::Deeply_Nested_Tunnel,
		["TunnelAbuse::Tunnel_Broker"] = TunnelAbuse::Tunnel_Broker,
		["TunnelAbuse::Teredo_Rogue_Prefix"] =
		    TunnelAbuse::Teredo_Rogue_Prefix,
		["TunnelAbuse::Teredo_Rogue_Server"] =
		    TunnelAbuse::Teredo_Rogue_Server,
		["TunnelAbuse::Teredo_Unsolicited_Advertisement"] =
		    TunnelAbuse::Teredo_Unsolicited_Advertisement,
		["TunnelAbuse::Teredo_Exploit_Advertisement"] =
		    TunnelAbuse::Teredo_Exploit_Advertisement,
		["TunnelAbuse::Teredo_Crafted_Qualification"] =
		    TunnelAbuse::Teredo_Crafted_Qualification,
		["TunnelAbuse::Teredo_Ping_Other_Server"] =
		    TunnelAbuse::Teredo_Ping_Other_Server,
		["TunnelAbuse::Teredo_Forged_Origin"] =
		    TunnelAbuse::Teredo_Forged_Origin,
		["TunnelAbuse::Teredo_Service_Port"] =
		    TunnelAbuse::Teredo_Service_Port,
		["TunnelAbuse::Teredo_Reserved_Flags"] =
		    TunnelAbuse::Teredo_Reserved_Flags,
		["TunnelAbuse::Teredo_Service_Misuse"] =
		    TunnelAbuse::Teredo_Service_Misuse,
		["TunnelAbuse::Teredo_Peer_Capture"] =
		    TunnelAbuse::Teredo_Peer_Capture,
		["TunnelAbuse::Delivery_Outage"] = TunnelAbuse::Delivery_Outage,
		["TunnelAbuse::Capture_Outage"] = TunnelAbuse::Capture_Outage,
	} &redef;

	## A sensor has connected. The sample shows Zeek every field of an Alert.
	global hello: event(session: string, version: count, sample: Alert) &is_used;
	## The answer to it.
	global ready: event(session: string, version: count) &is_used;
	## An alert. Scripts of the site may handle it too.
	global alert: event(session: string, a: Alert) &is_used;
	## A record of another log. `ts` is seconds of the epoch.
	global log_record: event(session: string, log_name: string, ts: double,
	    json: string) &is_used;
	## The sensor asks how many events of its session were handled since it last asked.
	global sync: event(session: string, number: count) &is_used;
	## The answer to it.
	global synced: event(session: string, number: count, handled: count) &is_used;
}

# Zeek's own notice type, where policy/misc/capture-loss is loaded before this script. It is not loaded
# here: it would measure the loss of this Zeek, which may see no packets at all.
@ifdef ( CaptureLoss::Too_Much_Loss )
redef note_types += {
	["CaptureLoss::Too_Much_Loss"] = CaptureLoss::Too_Much_Loss,
};
@endif

# A session that is gone leaves its count behind for an hour.
global handled: table[string] of count &default=0 &write_expire=1hr;

event zeek_init()
	{
	Log::create_stream(CopperhullBridge::LOG, [$columns=Info, $path="copperhull"]);

	# All nodes of a cluster load this script, but one handles the events: else every notice comes twice.
	if ( Cluster::is_enabled() && Cluster::local_node_type() != Cluster::MANAGER )
		return;

	Cluster::subscribe(topic);

	if ( ! listen )
		return;

	if ( ! Cluster::listen_websocket([$listen_addr=listen_addr,
	    $listen_port=listen_port, $tls_options=tls_options]) )
		Reporter::error(fmt("copperhull.zeek cannot listen on %s:%s", listen_addr,
		    listen_port));
	}

event CopperhullBridge::hello(session: string, version: count, sample: Alert)
	{
	# `delete` of what is not there does nothing.
	delete handled[session];
	Cluster::publish(reply_topic + session, CopperhullBridge::ready, session,
	    interface_version);
	}

event CopperhullBridge::sync(session: string, number: count)
	{
	Cluster::publish(reply_topic + session, CopperhullBridge::synced, session,
	    number, handled[session]);
	delete handled[session];
	}

event CopperhullBridge::log_record(session: string, log_name: string,
    ts: double, json: string)
	{
	++handled[session];
	Log::write(CopperhullBridge::LOG, Info($ts=double_to_time(ts),
	    $log_name=log_name, $json=json));
	}

function note_type(name: string): Notice::Type
	{
	return name in note_types ? note_types[name] : TunnelAbuse::Other;
	}

function context(a: Alert): Context
	{
	local c = Context($note=a$note, $severity=a$severity, $sensor=a$sensor);

	if ( a?$alert_id )
		c$alert_id = a$alert_id;
	if ( a?$rule_id )
		c$rule_id = a$rule_id;
	if ( a?$rule_rev )
		c$rule_rev = a$rule_rev;
	if ( a?$tunnel_kind )
		c$tunnel_kind = a$tunnel_kind;
	if ( a?$tunnel_uid )
		c$tunnel_uid = a$tunnel_uid;
	if ( a?$tunnel_path )
		c$tunnel_path = a$tunnel_path;
	if ( a?$outer_orig_h )
		c$outer_orig_h = a$outer_orig_h;
	if ( a?$outer_orig_p )
		c$outer_orig_p = a$outer_orig_p;
	if ( a?$outer_resp_h )
		c$outer_resp_h = a$outer_resp_h;
	if ( a?$outer_resp_p )
		c$outer_resp_p = a$outer_resp_p;

	return c;
	}

event CopperhullBridge::alert(session: string, a: Alert)
	{
	# First, so that an error below is not taken for an event that never came.
	++handled[session];

	local n = Notice::Info($note=note_type(a$note), $msg=a$msg, $ts=double_to_time(
	    a$ts));
	n$copperhull = context(a);

	# copperhull has merged repeats by its own keys. Here only the same alert, delivered twice, is one.
	n$identifier = a?$alert_id ? a$alert_id : cat(a$sensor, a$note, a$ts, a$msg);

	if ( a?$sub )
		n$sub = a$sub;
	if ( a?$n )
		n$n = a$n;
	if ( a?$uid )
		n$uid = a$uid;
	if ( a?$orig_h )
		n$src = a$orig_h;
	if ( a?$resp_h )
		n$dst = a$resp_h;
	if ( a?$resp_p )
		n$p = a$resp_p;
	if ( a?$orig_h && a?$orig_p && a?$resp_h && a?$resp_p )
		n$id = conn_id($orig_h=a$orig_h, $orig_p=a$orig_p, $resp_h=a$resp_h,
		    $resp_p=a$resp_p);

	NOTICE(n);
	}
