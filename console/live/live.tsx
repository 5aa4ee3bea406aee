/** A room as it happens: its messages, who is here, and everything that can be done about them. */
import "./live.css";
import { Alert, Button, Group, Text } from "@mantine/core";
import { IconSnowflake } from "@tabler/icons-react";
import { type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import type { Client, Message, Room, RoomSnapshot } from "../../src/client/client.ts";
import { answered, api, asUser } from "../api.ts";
import { failed } from "../parts/failed.ts";
import { useActivity } from "./activity.ts";
import { Aside } from "./aside.tsx";
import { Composer } from "./composer.tsx";
import { ConnectionBar, ConnectionTrouble } from "./connectionBar.tsx";
import type { Asking, Deeds } from "./deeds.ts";
import { DeleteMessage } from "./deleteMessage.tsx";
import { streamDemo } from "./demoStream.ts";
import { EditMessage } from "./editMessage.tsx";
import { Moderate } from "./moderate.tsx";
import { shownError } from "./refused.ts";
import { useConnection, useSnapshot } from "./snapshot.ts";
import { Timeline, type TimelineHandle } from "./timeline.tsx";

export interface LiveProps {
  readonly client: Client;
  readonly room: Room;
  readonly user: string;
  readonly onUser: (user: string) => void;
  /** Enters the room anew. */
  readonly onAgain: () => void;
  readonly search: ReactNode;
}
