/** Files of a message: images that the server has recognised are shown, everything else is a name and a way to save it. */
import { Button, Group, Text } from "@mantine/core";
import { IconDownload, IconPaperclip } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import type { Message } from "../../src/client/client.ts";
import { bytes } from "../parts/amount.ts";
import { orComplain } from "./complain.ts";
import { fileOf } from "./file.ts";

type Attachment = Message["attachments"][number];

export function Attachments({ attachments }: { readonly attachments: readonly Attachment[] }) {
  return (
    <Group gap="xs" mt={4} align="flex-start">
      {attachments.map((attachment) => (
        <File key={attachment.id} attachment={attachment} />
      ))}
    </Group>
  );
}

/** What a browser draws without running anything of it. The bytes said what they are, not who sent them. */
const drawn = /^image\/(png|jpeg|gif|webp|avif|bmp)$/;

function File({ attachment }: { readonly attachment: Attachment }) {
  const { name, type, size } = attachment;
  return (
    <div className="file">
      {drawn.test(type) && <Preview attachment={attachment} />}
      <Group gap={6} wrap="nowrap">
        <IconPaperclip size={14} aria-hidden />
        <Text size="xs" className="anywhere">
          {name}
        </Text>
        <Text size="xs" c="dimmed" className="nowrap">
          {bytes(size)}
        </Text>
        <Save attachment={attachment} />
      </Group>
      <Text size="xs" c="dimmed">
        {type}
      </Text>
    </div>
  );
}

const heightMax = 160;
const widthMax = 240;

/** As large as it will be before it has come, so that nothing jumps. */
function Preview({
  attachment: { id, name, width = widthMax, height = heightMax },
}: {
  readonly attachment: Attachment;
}) {
  const { data: blob, error } = useQuery({ queryKey: ["file", id], queryFn: () => fileOf(id), staleTime: Infinity });
  const url = useObjectUrl(blob);
  const scale = Math.min(1, widthMax / width, heightMax / height);
  const extent = { width: Math.round(width * scale), height: Math.round(height * scale) };
  if (error !== null)
    return (
      <Text size="xs" c="dimmed">
        {error.message}
      </Text>
    );
  return url === null ? (
    <div className="file-image" style={extent} />
  ) : (
    <img src={url} alt={name} {...extent} className="file-image" />
  );
}

function useObjectUrl(blob: Blob | undefined): string | null {
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => {
    if (blob === undefined) return;
    const made = URL.createObjectURL(blob);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [blob]);
  return url;
}

function Save({ attachment: { id, name } }: { readonly attachment: Attachment }) {
  const save = async (): Promise<void> => {
    const url = URL.createObjectURL(await fileOf(id));
    const link = document.createElement("a");
    link.href = url;
    link.download = name;
    link.click();
    URL.revokeObjectURL(url);
  };
  return (
    <Button
      size="compact-xs"
      variant="subtle"
      color="gray"
      aria-label={`Save ${name}`}
      onClick={() => void orComplain(save())}
    >
      <IconDownload size={14} />
    </Button>
  );
}
