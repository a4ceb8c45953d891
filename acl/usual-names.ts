/**
 * How mail programs and servers call the folders of each use where no server says what they are for: each program in the languages that
 * it speaks, and people after it. Compared by {@link folded}: whatever case, and however an accent is written.
 */

/** Uses of RFC 6154 that have usual names at all. */
export type NamedUse = 'sent' | 'drafts' | 'trash' | 'junk' | 'archive';

const USUAL: Readonly<Record<NamedUse, string>> = {
  sent: `
    Sent, Sent Items, Sent Messages, Sent Mail, sent-mail, Sent Objects
    Envoyés, Éléments envoyés, Messages envoyés, Courrier envoyé, Courriers envoyés, Objets envoyés, Mails envoyés
    Gesendet, Gesendete Elemente, Gesendete Objekte, Gesendete Nachrichten, Gesendete Mails
    Enviados, Elementos enviados, Mensajes enviados, Correo enviado, Correos enviados, Enviats, Elements enviats
    Inviati, Inviata, Posta inviata, Elementi inviati, Messaggi inviati
    Verzonden, Verzonden items, Verzonden berichten, Verzonden objecten
    Enviadas, Itens enviados, Mensagens enviadas, Correio enviado, E-mails enviados
    Wysłane, Elementy wysłane, Wysłane wiadomości, Odeslané, Odeslaná pošta, Odoslané, Odoslaná pošta
    Sendt, Sendt post, Sendte elementer, Sendte, Skickat, Skickade, Skickade objekt, Lähetetyt, Lähetetyt viestit
    Elküldött, Elküldött elemek, Elküldött üzenetek, Trimise, Elemente trimise, Mesaje trimise
    Απεσταλμένα, Отправленные, Отправленные элементы, Надіслані, Відправлені
    Gönderilmiş Öğeler, Gönderilmiş, Gönderilenler, 送信済み, 送信済みアイテム, 送信済みトレイ, 送信済みメール
    已发送, 已发送邮件, 已发送消息, 已發送, 寄件備份`,
  drafts: `
    Drafts, Draft, Brouillons, Brouillon, Entwürfe, Entwurf, Borradores, Borrador, Bozze, Concepten, Rascunhos, Rascunho, Esborranys
    Kopie robocze, Wersje robocze, Szkice, Koncepty, Rozepsané, Rozpísané, Kladder, Kladd, Utkast, Udkast, Luonnokset
    Piszkozatok, Ciorne, Πρόχειρα, Черновики, Чернетки, Taslaklar, 下書き, 草稿, 草稿箱`,
  trash: `
    Trash, Deleted Items, Deleted Messages, Deleted, Bin, Trash Bin
    Corbeille, Éléments supprimés, Messages supprimés, Supprimés, Courrier supprimé, Poubelle
    Papierkorb, Gelöschte Elemente, Gelöschte Objekte, Gelöschte Nachrichten, Gelöscht
    Papelera, Papelera de reciclaje, Elementos eliminados, Mensajes eliminados, Eliminados, Paperera, Elements suprimits
    Cestino, Posta eliminata, Elementi eliminati, Messaggi eliminati
    Prullenbak, Prullenmand, Verwijderd, Verwijderde items, Verwijderde berichten
    Lixeira, Lixo, Itens eliminados, Itens excluídos, Reciclagem, Kosz, Elementy usunięte
    Koš, Odstraněná pošta, Odstraněné, Kôš, Odstránená pošta, Odstránené
    Papirkurv, Slettet post, Slettede elementer, Papperskorg, Papperskorgen, Borttagna objekt, Borttaget, Roskakori, Poistetut
    Kuka, Lomtár, Törölt elemek, Coș de gunoi, Elemente șterse, Κάδος, Κάδος απορριμμάτων, Διαγραμμένα
    Корзина, Удаленные, Удалённые, Удаленные элементы, Удалённые элементы, Кошик, Видалені
    Çöp, Çöp Kutusu, Silinmiş Öğeler, ゴミ箱, ごみ箱, 削除済み, 削除済みアイテム
    已删除, 已删除邮件, 已刪除的郵件, 刪除的郵件, 垃圾桶, 回收站`,
  junk: `
    Junk, Junk E-mail, Junk Email, Junk Mail, Spam, Bulk Mail
    Indésirables, Courrier indésirable, Courriers indésirables, Pourriel, Pourriels, Spams
    Junk-E-Mail, Spamverdacht, Unerwünscht, Unerwünschte Werbung, Correo no deseado, No deseado, No deseados, Correu brossa
    Posta indesiderata, Indesiderata, Ongewenste e-mail, Ongewenst, Lixo eletrônico, Lixo eletrónico, Correio eletrónico não solicitado
    Niechciane, Wiadomości-śmieci, Wiadomości śmieci, Nevyžádaná pošta, Nevyžiadaná pošta
    Uønsket mail, Uønsket post, Uønsket e-post, Søppelpost, Skräppost, Roskaposti, Levélszemét, Mesaje nedorite
    Ανεπιθύμητη αλληλογραφία, Ανεπιθύμητα, Нежелательная почта, Спам, Небажана пошта
    Önemsiz, Önemsiz E-posta, Gereksiz, İstenmeyen, 迷惑メール, 垃圾邮件, 垃圾郵件`,
  archive: `
    Archive, Archives, Archiv, Archivo, Archivados, Archivio, Archiviati, Archief, Arquivo, Arxiu, Archiwum, Archív, Arkiv, Arkisto, Archívum
    Arhivă, Arhiva, Αρχείο, Αρχειοθέτηση, Архив, Архів, Arşiv, アーカイブ, 存档, 归档, 封存`,
};

/** One form for all that people take for the same name: NFC (Unicode Annex 15), without regard to case, in Turkish too. */
export function folded(name: string): string {
  return name.normalize('NFC').toLowerCase().toUpperCase().normalize('NFC').replaceAll('İ', 'I');
}

const FOLDED = Object.fromEntries(
  Object.entries(USUAL).map(([use, text]) => [
    use,
    text
      .split(/[,\n]/)
      .map((name) => folded(name.trim()))
      .filter((name) => name !== ''),
  ]),
) as unknown as Readonly<Record<NamedUse, readonly string[]>>;

/** Of one use, {@link folded}, the commonest first. */
export function usualNames(use: NamedUse): readonly string[] {
  return FOLDED[use];
}

export const NAMED_USES = Object.keys(USUAL) as readonly NamedUse[];
